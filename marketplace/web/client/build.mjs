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
    chunkNames: "[name]-[hash]",
    assetNames: "[name]-[hash]",
    loader: { ".ttf": "file" },
    // The server tells in a header where they are: as a comment, the names would be a part of every page.
    sourcemap: "external",
    platform: "browser",
    target: ["es2022", "chrome123", "firefox128", "safari17.5"],
    minify: true,
    alias: PUSHER,
    metafile: true,
  };
  const outputs = {};
  const built = new Map();
  const run = async (entryPoints, more) =>
    Object.assign(outputs, (await build({ ...options, ...more, entryPoints })).metafile.outputs);
  for (const [name, modules] of Object.entries(SHARED)) {
    await run([{ in: name, out: name }], { plugins: [elsewhere(built), together(name, modules)] });
    const file = Object.keys(outputs).find((each) => path.basename(each).startsWith(`${name}-`) && each.endsWith(".js"));
    for (const module of modules) built.set(module, `./${path.basename(file)}`);
  }
  await run([...PAGES.map(page), path.join(here, "styles/site.css")], { splitting: true, plugins: [elsewhere(built)] });
  await run(messages(), { charset: "utf8" });
  for (const file of Object.keys(outputs).filter((name) => /\.(js|css|ttf)$/.test(name))) compress(path.resolve(file));
  writeFileSync(path.join(dist, "manifest.json"), JSON.stringify(manifestOf(outputs, dist), null, 1));
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

// The scripts' words, a module for each language, as `script/words compile` has made them.
function messages() {
  const names = readdirSync(translations, { recursive: true }).filter((name) => /messages-\w+\.js$/.test(name));
  return names.sort().map((name) => path.join(translations, name));
}

// {"list.js": {"file": "pages/list-ABC.js", "imports": ["pages/chunk-DEF.js"]}}: what it needs at once, to be preloaded.
function manifestOf(outputs, dist) {
  const relative = (name) => path.relative(dist, path.resolve(name)).replaceAll(path.sep, "/");
  const place = ({ path: to, external }, from) => (external ? path.join(path.dirname(from), to) : to);
  const needed = (name) =>
    outputs[name].imports
      .filter(({ kind }) => kind === "import-statement")
      .map((each) => place(each, name))
      .flatMap((each) => [each, ...needed(each)]);
  const entries = Object.entries(outputs).filter(([, { entryPoint }]) => entryPoint);
  return Object.fromEntries(
    entries.map(([name, { entryPoint }]) => [
      path.basename(entryPoint).replace(/\.ts$/, ".js"),
      { file: relative(name), imports: [...new Set(needed(name))].map(relative) },
    ]),
  );
}

async function buildTests(folder) {
  const entryPoints = readdirSync(tests).filter((name) => name.endsWith(".test.ts") || ["page.ts", "numbers.ts"].includes(name));
  await build({
    ...common,
    entryPoints: entryPoints.map((name) => path.join(tests, name)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    platform: "node",
    sourcemap: "inline",
    // CommonJS, and as it is: its own build for Node.
    external: ["pusher-js"],
  });
}
