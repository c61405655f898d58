/** The switch of themes: at once, and remembered by the server for the next page. */

for (const button of document.querySelectorAll<HTMLButtonElement>("[data-preferences] button[name='theme']")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    void choose(button);
  });
}

async function choose(button: HTMLButtonElement): Promise<void> {
  document.documentElement.dataset.theme = button.value;
  for (const each of button.form?.querySelectorAll("[name='theme']") ?? []) each.ariaPressed = String(each === button);
  const theme = new URLSearchParams({ theme: button.value });
  // Where the answer leads to is this page. Offline, the theme is that of this page alone.
  await fetch(button.form?.action ?? "", { method: "POST", body: theme, redirect: "manual", keepalive: true }).catch(() => {});
}
