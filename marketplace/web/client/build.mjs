// Builds the client library (one ES module with pusher-js in it, its source map, its types) and, with it, what the
// marketplace's own pages load: a script each, and the stylesheet, named by what is in them.
//   node build.mjs [FOLDER]        into FOLDER, or ../static/dist; manifest.json says what is called how
//   node build.mjs tests FOLDER    the tests, each bundled with what it tests
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { translated } from "./texts.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../..");
const tests = path.join(root, "tests/client");
const translations = path.join(root, "marketplace/translations");

/** The scripts that templates name. */
const PAGES = ["site", "list", "auction", "dutch", "me", "order", "sell", "pictures", "manage", "dates"];

/**
 * What pages share, in two files: what all have, and what live ones have besides. Left to itself esbuild makes a file of
 * every combination of pages that share something: twenty small ones, which compress worse and take more requests.
 */
const SHARED = {
  base: ["dom", "text", "viewer", "numbers", "menu", "preferences", "watch", "bid-words"].map(page),
  live: [
    path.join(here, "src/index.ts"),
    ...["client", "connection", "live", "standing", "fresh-page", "watching", "frames", "mine"].map(page),
    ...["gallery", "offers"].map(page),
  ],
};

/** Its authors' own minified file is smaller than what esbuild makes of the other. */
const PUSHER = { "pusher-js": "pusher-js/dist/web/pusher.min.js" };

const common = { bundle: true, format: "esm", target: "es2022", sourcemap: true, logLevel: "warning" };

const [first = path.join(here, "../static/dist"), second] = process.argv.slice(2);
if (first === "tests") await buildTests(path.resolve(second));
else {
  await buildLibrary(path.resolve(first));
  await buildPages(path.resolve(first));
}

async function buildLibrary(dist) {
  rmSync(dist, { recursive: true, force: true });
  await build({
    ...common,
    entryPoints: { client: path.join(here, "src/index.ts") },
    outdir: dist,
    platform: "browser",
    minify: true,
    alias: PUSHER,
    legalComments: "eof",
  });
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "--project", here, "--outDir", path.join(dist, "types")], { stdio: "inherit" });
  writeFileSync(path.join(dist, "client.d.ts"), 'export * from "./types/index.js";\n');
}

function page(name) {
  return path.join(here, `pages/${name}.ts`);
}

async function buildPages(dist) {
  const options = {
    ...common,
    outdir: path.join(dist, "pages"),
    entryNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    charset: "utf8",
    loader: { ".ttf": "file" },
    // The server tells in a header where they are: as a comment, the names would be a part of every page.
    sourcemap: "external",
    platform: "browser",
    target: ["es2022", "chrome123", "firefox128", "safari17.5"],
    minify: true,
    alias: PUSHER,
    metafile: true,
  };
  const manifest = {};
  const note = (outputs, folder) => {
    for (const file of Object.keys(outputs).filter((name) => /\.(js|css|ttf)$/.test(name))) compress(path.resolve(file));
    for (const [name, entry] of manifestOf(outputs, dist)) manifest[folder + name] = entry;
  };
  note((await build({ ...options, entryPoints: [path.join(here, "styles/site.css")] })).metafile.outputs, "");
  for (const [language, words] of languages()) note(await buildScripts(options, language, words), `${language}/`);
  writeFileSync(path.join(dist, "manifest.json"), JSON.stringify(manifest, null, 1));
}

// Nobody loads words besides the script, nor those of another page or language.
async function buildScripts(options, language, words) {
  const outputs = {};
  const built = new Map();
  const names = `[name]-${language}-[hash]`;
  const run = async (entryPoints, ...plugins) => {
    const common = { ...options, entryNames: names, chunkNames: names, splitting: true };
    const result = await build({ ...common, entryPoints, plugins: [elsewhere(built), ...plugins, inLanguage(words)] });
    Object.assign(outputs, result.metafile.outputs);
  };
  for (const [name, modules] of Object.entries(SHARED)) {
    await run([{ in: name, out: name }], together(name, modules));
    const file = Object.keys(outputs).find((each) => path.basename(each).startsWith(`${name}-`) && each.endsWith(".js"));
    for (const module of modules) built.set(module, `./${path.basename(file)}`);
  }
  await run(PAGES.map(page));
  return outputs;
}

// Once and as small as can be, not again with each request.
function compress(file) {
  const contents = readFileSync(file);
  writeFileSync(`${file}.br`, brotliCompressSync(contents));
  writeFileSync(`${file}.gz`, gzipSync(contents, { level: 9 }));
}

// One file of several modules, with all that they export.
function together(name, modules) {
  const contents = modules.map((file) => `export * from ${JSON.stringify(file)};`).join("\n");
  return {
    name: "together",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "together" }));
      onLoad({ filter: /.*/, namespace: "together" }, () => ({ contents, resolveDir: here }));
    },
  };
}

// Modules that are in a file which is built already are imported from there.
function elsewhere(built) {
  return {
    name: "elsewhere",
    setup({ onResolve }) {
      onResolve({ filter: /^\.\.?\// }, ({ path: wanted, resolveDir }) => {
        const file = built.get(path.resolve(resolveDir, wanted).replace(/\.js$/, ".ts"));
        return file && { path: file, external: true };
      });
    },
  };
}

// The scripts' words in each language, as `script/words compile` has made them; English stands in the scripts.
function languages() {
  const files = readdirSync(translations, { recursive: true }).filter((name) => path.basename(name) === "scripts.json");
  const read = (file) => JSON.parse(readFileSync(path.join(translations, file), "utf8"));
  return [["en", null], ...files.sort().map((file) => [path.dirname(file), read(file)])];
}

// The pages' TypeScript with these words instead of English.
function inLanguage(words) {
  return {
    name: "in-language",
    setup({ onLoad }) {
      if (words) onLoad({ filter: /[\\/]pages[\\/][^\\/]+\.ts$/ }, ({ path: file }) => ({ contents: translated(file, words) }));
    },
  };
}

// ["list.js", {"file": "pages/list-en-ABC.js", "imports": ["pages/base-en-DEF.js"]}]: what it needs at once, to be preloaded.
function manifestOf(outputs, dist) {
  const relative = (name) => path.relative(dist, path.resolve(name)).replaceAll(path.sep, "/");
  const place = ({ path: to, external }, from) => (external ? path.join(path.dirname(from), to) : to);
  const needed = (name) =>
    outputs[name].imports
      .filter(({ kind }) => kind === "import-statement")
      .map((each) => place(each, name))
      .flatMap((each) => [each, ...needed(each)]);
  const entries = Object.entries(outputs).filter(([, { entryPoint }]) => entryPoint);
  return entries.map(([name, { entryPoint }]) => [
    path.basename(entryPoint).replace(/\.ts$/, ".js"),
    { file: relative(name), imports: [...new Set(needed(name))].map(relative) },
  ]);
}

async function buildTests(folder) {
  const names = readdirSync(tests).filter((name) => name.endsWith(".test.ts") || name === "page.ts");
  await buildTest(folder, names);
  for (const [language, words] of languages()) await buildTest(path.join(folder, language), ["numbers.ts"], words);
}

async function buildTest(folder, names, words) {
  await build({
    ...common,
    entryPoints: names.map((name) => path.join(tests, name)),
    outdir: folder,
    plugins: [inLanguage(words)],
    outExtension: { ".js": ".mjs" },
    platform: "node",
    sourcemap: "inline",
    // CommonJS, and as it is: its own build for Node.
    external: ["pusher-js"],
  });
}
