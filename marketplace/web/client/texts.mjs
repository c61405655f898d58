// The texts that t() and n() are called with in the pages' TypeScript. `script/words` runs this, and gets all of them printed:
// [[file, text], [file, one, many], …]. The build puts those of another language in their place.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { transformSync } from "esbuild";

const pages = path.join(path.dirname(fileURLToPath(import.meta.url)), "pages");
const LITERAL = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/.source;
const CALL = new RegExp(`(?<![\\w.$])(?<!function )([tn])\\(\\s*(?:(${LITERAL})(?:\\s*,\\s*(${LITERAL}))?)?`, "g");

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(sources(pages).flatMap((file) => textsOf(file))));
}

/** A file as JavaScript, with the words of another language: a text for each, or its forms by number. */
export function translated(file, words) {
  const code = plain(readFileSync(file, "utf8"), { sourcemap: "inline", sourcefile: path.basename(file) });
  return code.replace(CALL, (call, called, first) => {
    const found = first && words[unquoted(first)];
    if (!found) return call;
    // Some text is the singular of another, too.
    return called === "n" ? `n(${JSON.stringify(found)}, ""` : `t(${JSON.stringify([found].flat()[0])}`;
  });
}

function sources(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".ts"));
  return names.sort().map((name) => path.join(folder, name));
}

function textsOf(file) {
  const name = path.relative(process.cwd(), file).replaceAll(path.sep, "/");
  return [...plain(readFileSync(file, "utf8")).matchAll(CALL)].map(([call, called, first, second]) => {
    const texts = called === "t" ? [first] : [first, second];
    if (texts.includes(undefined)) throw new Error(`${name}: a text must stand where it is used, in quotes: ${call}`);
    return [name, ...texts.map(unquoted)];
  });
}

// Without types, comments and template strings, and with "a" + "b" as "ab", a pattern is enough to find the calls.
function plain(source, more) {
  const options = { loader: "ts", minifySyntax: true, charset: "utf8", supported: { "template-literal": false } };
  return transformSync(source, { ...options, ...more }).code;
}

function unquoted(literal) {
  return new Function(`return ${literal}`)();
}
