// Builds the client library: one ES module with pusher-js in it, its source map, its types.
//   node build.mjs [FOLDER]        into FOLDER, or ../static/dist
//   node build.mjs tests FOLDER    the tests, each bundled with what it tests
import { execFileSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../../..");
const tests = path.join(root, "tests/client");

const common = { bundle: true, format: "esm", target: "es2022", sourcemap: true, logLevel: "warning" };

const [first = path.join(here, "../static/dist"), second] = process.argv.slice(2);
if (first === "tests") await buildTests(path.resolve(second));
else await buildLibrary(path.resolve(first));

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

async function buildTests(folder) {
  const entryPoints = readdirSync(tests).filter((name) => name.endsWith(".test.ts") || name === "page.ts");
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
