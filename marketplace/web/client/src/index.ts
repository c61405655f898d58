/**
 * The marketplace's client library: keeps a page true to the server, whatever the network, the clock and the laptop
 * do. It knows nothing of what a page looks like. See docs/client-library.md.
 *
 * @packageDocumentation
 */
export { Auction, type AuctionEvents, type AuctionOptions, channelOf, type Freshness } from "./auction.js";
export { Bid, type BidAccepted, type BidState, type BidTerms, type Question } from "./bids.js";
export { Client, type ClientEvents, type ClientOptions, type ClientState } from "./client.js";
export type { ServerClock } from "./clock.js";
export type { RealtimeSettings } from "./connection.js";
export { type DutchPrice, type DutchTerms, dutchPrice } from "./dutch.js";
export type { Emitter, Lasting, Listener, Undo } from "./emitter.js";
export type { Environment } from "./environment.js";
export type {
  AuctionEvent,
  BidNew,
  BidRetracted,
  Ended,
  Envelope,
  Extended,
  ItemReturned,
  ItemSold,
  Outcome,
  SecondChance,
  StatusChanged,
} from "./events.js";
export { HttpProblem, NoAnswer } from "./http.js";
export type { Message, Messages } from "./messages.js";
export type { Beacon, Counter, Metrics } from "./metrics.js";
export type { Member, Presence } from "./presence.js";
export { type DutchStanding, type EnglishStanding, isDutch, isOpen, type Standing, type Status } from "./standing.js";
