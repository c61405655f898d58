/** The page that is shown: after a form was refused, not where the browser is, which is the form's address. */
export const here = document.body.dataset.here ?? "";

/** Who is signed in; null for nobody. */
export const viewerId: number | null = document.body.dataset.viewerId ? Number(document.body.dataset.viewerId) : null;
