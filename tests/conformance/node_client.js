// pusher-js in Node: commands on stdin, answers on stdout, one JSON line each.
//   node node_client.js PATH-OF-PUSHER-JS

const path = require("node:path");
const readline = require("node:readline");
const makeDriver = require("./driver.js");

const handle = makeDriver(require(path.join(process.argv[2], "dist/node/pusher.js")));

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  let answer;
  try {
    answer = { result: handle(JSON.parse(line)) };
  } catch (error) {
    answer = { failure: String(error) };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
}).on("close", () => process.exit(0));
