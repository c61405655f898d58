/** The page's one client: whichever part asks first makes it. */
import { Client, type RealtimeSettings } from "../src/index.js";
import { data } from "./dom.js";
import { viewerId } from "./viewer.js";

/** A page that shows one auction asks this often while Channels is away, in milliseconds. */
const POLL_MS = 5_000;

let client: Client | null = null;

/** The page's client. How often it polls is up to whoever asks first: a page's own script, if it has one. */
export function pageClient({ pollEvery = POLL_MS }: { pollEvery?: number } = {}): Client {
  client ??= new Client({ realtime: data<RealtimeSettings>(document.body, "realtime"), userId: viewerId, pollEvery });
  return client;
}
