/** The price of a Dutch auction: the function of `bidding/dutch.py`, on what `GET /api/auctions/{id}` says. Pure. */

/**
 * The price at `now` (milliseconds since 1970, by the server's clock): `{ amount, dropsRemaining, nextDropAt }`,
 * where `nextDropAt` is null at the floor, or when the end comes first. Before the start it is the starting price, after
 * the end that of the end.
 */
export function priceAt({ startingPrice, floorPrice, dropAmount, dropEvery, startsAt, endsAt }, now) {
  const start = Date.parse(startsAt);
  const every = dropEvery * 1000;
  const drops = dropsOf({ startingPrice, floorPrice, dropAmount });
  const end = Date.parse(endsAt);
  const due = Math.floor((Math.min(now, end) - start) / every);
  const done = Math.min(Math.max(due, 0), drops);
  const next = start + (done + 1) * every;
  return {
    amount: Math.max(startingPrice - done * dropAmount, floorPrice),
    dropsRemaining: drops - done,
    nextDropAt: done < drops && next <= end ? next : null,
  };
}

/** How often the price drops until it is at the floor; the last drop may be a smaller one. */
export function dropsOf({ startingPrice, floorPrice, dropAmount }) {
  const fall = startingPrice - floorPrice;
  const rest = fall % dropAmount;
  return (fall - rest) / dropAmount + (rest ? 1 : 0);
}
