/** Which alerts are on in this browser. */
const STORED_AS = "marketplace.alerts";

/** What tells of an outbid. */
export type AlertKind = "sound" | "title";

/** Those that somebody has switched on. */
export function alertsOn(): Set<AlertKind> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(STORED_AS) ?? "[]");
    return new Set(Array.isArray(found) ? (found.filter((kind) => kind === "sound" || kind === "title") as AlertKind[]) : []);
  } catch {
    return new Set();
  }
}

/** Keeps them for all auctions. */
export function keepAlerts(kinds: ReadonlySet<AlertKind>): void {
  try {
    localStorage.setItem(STORED_AS, JSON.stringify([...kinds]));
  } catch {
    // Forbidden or full: then it lasts as long as the page.
  }
}
