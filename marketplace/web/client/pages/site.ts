/** What every page has, live or not. */
import { localizeAll } from "./numbers.js";
import "./menu.js";
import "./preferences.js";
import "./watch.js";

localizeAll();
