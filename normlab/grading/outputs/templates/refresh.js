// Loads the page again every few seconds, and shows the same place of it.
const SECONDS = 5;
const box = document.querySelector(".box");
history.scrollRestoration = "manual";
const place = history.state;
if (place) {
  box.scrollTo(place.left, place.top);
  scrollTo(place.x, place.y);
  [...document.links].find((link) => link.href === place.link)?.focus({ preventScroll: true });
}
setInterval(() => {
  if (!getSelection().isCollapsed) return; // somebody is about to copy it
  const link = document.activeElement?.href;
  const { scrollLeft: left, scrollTop: top } = box;
  history.replaceState({ left, top, x: scrollX, y: scrollY, link }, "");
  location.reload();
}, 1000 * SECONDS);
