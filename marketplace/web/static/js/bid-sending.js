/**
 * Sending a bid until there is an answer. The same key goes with every attempt, so that the bid is placed once at
 * most, whichever of the answers got lost.
 */

const ATTEMPTS = 4;
const ATTEMPT_TIMEOUT_MS = 15_000;
const FIRST_PAUSE_MS = 400;

/** No answer, after all attempts: whether the bid was placed is not known. */
export class NoAnswer extends Error {}

/**
 * `{ status, body }` of the answer; one that may come later (5xx) is none. `socketId` is our connection to Channels,
 * which need not be told what we did; `onRetry` is called before each further attempt.
 */
export async function sendBid(auctionId, body, { key, socketId, onRetry }) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  if (socketId) headers["X-Socket-Id"] = socketId;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (attempt) {
      onRetry();
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** attempt));
    }
    try {
      const answer = await fetch(`/api/auctions/${auctionId}/bids`, {
        method: "POST",
        headers,
        body,
        signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
      });
      if (answer.status < 500) return { status: answer.status, body: await answer.json() };
    } catch {
      // No connection, or it took too long: the next attempt.
    }
  }
  throw new NoAnswer();
}
