/** Who is signed in; null for nobody. */
export const viewerId: number | null = document.body.dataset.viewerId ? Number(document.body.dataset.viewerId) : null;
