// Builds the client library (one ES module with pusher-js in it, its source map, its types) and, with it, what the
// marketplace's own pages load: a script each, and the stylesheet, named by what is in them.
//   node build.mjs [FOLDER]        into FOLDER, or ../static/dist; manifest.json says what is called how
//   node build.mjs tests FOLDER    the tests, each bundled with what it tests
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../..");
const tests = path.join(root, "tests/client");
const translations = path.join(root, "marketplace/translations");

/** The scripts that templates name. */
const PAGES = ["site", "list", "auction", "dutch", "me", "order", "sell", "pictures", "manage", "dates"];

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
    legalComments: "eof",
  });
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "--project", here, "--outDir", path.join(dist, "types")], { stdio: "inherit" });
  writeFileSync(path.join(dist, "client.d.ts"), 'export * from "./types/index.js";\n');
}

async function buildPages(dist) {
  const options = {
    ...common,
    outdir: path.join(dist, "pages"),
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    platform: "browser",
    target: ["es2022", "chrome123", "firefox128", "safari17.5"],
    minify: true,
    metafile: true,
  };
  // What begins with a page's name; the rest is imported by these.
  const entryPoints = [...PAGES.map((name) => path.join(here, `pages/${name}.ts`)), path.join(here, "styles/site.css")];
  const pages = await build({ ...options, entryPoints, splitting: true });
  const words = await build({ ...options, entryPoints: messages(), charset: "utf8" });
  const outputs = { ...pages.metafile.outputs, ...words.metafile.outputs };
  mkdirSync(dist, { recursive: true });
  writeFileSync(path.join(dist, "manifest.json"), JSON.stringify(manifestOf(outputs, dist), null, 1));
}

// The scripts' words, a module for each language, as `script/words compile` has made them.
function messages() {
  const names = readdirSync(translations, { recursive: true }).filter((name) => /messages-\w+\.js$/.test(name));
  return names.sort().map((name) => path.join(translations, name));
}

// {"list.js": {"file": "pages/list-ABC.js", "imports": ["pages/chunk-DEF.js"]}}: what it needs at once, to be preloaded.
function manifestOf(outputs, dist) {
  const relative = (name) => path.relative(dist, path.resolve(name)).replaceAll(path.sep, "/");
  const needed = (name) =>
    outputs[name].imports.filter(({ kind }) => kind === "import-statement").flatMap((each) => [each.path, ...needed(each.path)]);
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
