/** What every page has, live or not. */
import { localizeAll } from "./numbers.js";

localizeAll();
