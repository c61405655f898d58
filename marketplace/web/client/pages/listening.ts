/** Listens to what is told on every page. The words for it are loaded with the first message: on most pages none comes. */
import { pageClient } from "./client.js";
import { here, viewerId } from "./viewer.js";

const client = pageClient();
const messages = () => import("./messages.js");

client.announcements().on("message", (message) => void messages().then(({ announce }) => announce(message)));
if (viewerId !== null) {
  client.userMessages().on("message", (message) => void messages().then(({ tellUser }) => tellUser(message)));
  client.on("question", ({ bid }) => void messages().then(({ tellOfWaiting }) => tellOfWaiting(bid)));
  client.on("bid", (bid) => {
    // Its own page tells it in place, and need not load the words for it.
    if (bid.over && here !== `/auctions/${bid.auctionId}`) void messages().then(({ tellOfSettled }) => tellOfSettled(bid));
  });
}
