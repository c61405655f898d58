/** Shows every `<time>` of the page in the reader's time zone. */
import { localize } from "./format.js";

document.querySelectorAll("time[datetime]").forEach(localize);
