/** What every page has, live or not. */
import { localizeAll } from "./numbers.js";
import "./menu.js";
import "./preferences.js";
import "./watch.js";
import { viewerId } from "./viewer.js";

localizeAll();

// Only where there may be something to tell, and after the page itself: most pages are small without the client.
if (viewerId !== null || document.getElementById("connection")) void import("./listening.js");
