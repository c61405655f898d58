/** The menus open and close by themselves; this closes them also when somebody goes elsewhere. */

document.addEventListener("click", (event) => closeAll((menu) => !menu.contains(event.target as Node)));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  closeAll((menu) => {
    if (menu.contains(document.activeElement)) menu.querySelector("summary")?.focus();
    return true;
  });
});

function closeAll(which: (menu: HTMLDetailsElement) => boolean): void {
  for (const menu of document.querySelectorAll<HTMLDetailsElement>(".menu[open]")) menu.open = !which(menu);
}
