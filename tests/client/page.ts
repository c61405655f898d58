/**
 * A page without a browser, for test_live.py: the library with the real pusher-js, in Node. It says on stdout whatever
 * it would show, one JSON object a line, and does what stdin says: `bid AMOUNT`, `clock`, `close`.
 */
import readline from "node:readline";
import Pusher from "pusher-js";
import { Client, type ClientOptions } from "../../marketplace/web/client/src/index.js";
import { FakeTarget } from "./fakes.js";

interface Settings {
  base: string;
  token: string;
  userId: number;
  auctionId: number;
}

const { base, token, userId, auctionId } = JSON.parse(process.argv[2] ?? "") as Settings;
const headers = { Authorization: `Bearer ${token}` };
const tell = (facts: object) => process.stdout.write(`${JSON.stringify(facts)}\n`);

const realtime = (await (await fetch(`${base}/api/realtime`)).json()) as ClientOptions["realtime"];
const client = new Client({
  realtime,
  userId,
  base,
  headers: () => headers,
  environment: {
    window: new FakeTarget(),
    document: new FakeTarget(),
    navigator: { onLine: true },
    storage: null,
    requestFrame: (callback) => void setTimeout(callback, 16),
    createPusher: (key, options) => new Pusher(key, options) as never,
    sendBeacon: (url, body) => {
      void fetch(url, { method: "POST", headers: { "Content-Type": "application/json" }, body }).then(({ status }) =>
        tell({ beacon: status }),
      );
      return true;
    },
  },
});

client.on("state", (state) => tell({ state }));
const auction = client.watch({ id: auctionId });
auction.on("change", () => {
  const { standing, price, freshness } = auction;
  tell({ seq: standing?.seq, price, freshness, events: heard, state: client.state });
});
let heard = 0;
auction.on("event", () => heard++);
client.userMessages().on("message", ({ name }) => tell({ message: name }));
client.watchers(auctionId).on("change", (others) => tell({ others: others.map(({ name }) => name) }));

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const [command, argument] = line.split(" ");
  if (command === "bid") {
    const bid = await client.placeBid(auctionId, { amount: Number(argument) }).settled;
    tell({ bid: bid.state, code: bid.problem?.code ?? null, attempts: bid.attempts });
  } else if (command === "clock") {
    const { body } = { body: (await (await fetch(`${base}/api/time`)).json()) as { timestamp: number } };
    tell({ off: client.clock.now() - body.timestamp, uncertainty: client.clock.uncertainty });
  } else if (command === "close") {
    client.dispose();
    setTimeout(() => process.exit(0), 500);
  }
});
