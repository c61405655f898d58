/** The few things that are done to the page. What it is made of, the server has rendered. */

/** The element that has to be there: the template and the script belong together. */
export function find<E extends HTMLElement = HTMLElement>(root: ParentNode, selector: string): E {
  const element = root.querySelector<E>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
}

/** Sets a text if it is another one; says whether it was. What is not on the page is left out. */
export function put(root: ParentNode, selector: string, text: string): boolean {
  const element = root.querySelector(selector);
  if (!element || element.textContent === text) return false;
  element.textContent = text;
  return true;
}

/** Whether a part is there. What goes while somebody reads keeps its room, so that nothing else moves. */
export function present(part: HTMLElement, is: boolean): void {
  part.classList.toggle("away", !is);
  if (is) part.hidden = false;
}

/** Shows for a moment that something has changed. */
export function flash(element: HTMLElement): void {
  // What is shown still begins anew; to take the class away and read a size would lay out the page for each card of a list.
  for (const animation of element.getAnimations()) animation.currentTime = 0;
  element.classList.add("changed");
  element.addEventListener("animationend", () => element.classList.remove("changed"), { once: true });
}

/** Does what may take the element with the focus off the page; then `next` has it, not the top of the page. */
export function keepFocus(next: HTMLElement, change: () => void): void {
  const before = document.activeElement;
  change();
  if (document.activeElement === before || document.activeElement !== document.body) return;
  if (next.tabIndex < 0) next.tabIndex = -1;
  next.focus({ preventScroll: true });
}

/** An element with a text: never HTML, whoever wrote it. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  { text = "", ...attributes }: Record<string, string>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...(text ? [text] : []), ...children);
  return element;
}

/** What the server has put into a `data-` attribute, as JSON. */
export function data<T>(element: HTMLElement, name: string): T {
  const text = element.dataset[name];
  if (text === undefined) throw new Error(`the page has no data-${name}`);
  return JSON.parse(text) as T;
}
