// Dark, light, or as the system has it; loaded before the first paint.

const KEY = "leveret.theme";
const ORDER = ["system", "light", "dark"];

export const theme = () => localStorage.getItem(KEY) || "system";

export function nextTheme() {
  const next = ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];
  localStorage.setItem(KEY, next);
  apply();
  return next;
}

function apply() {
  document.documentElement.dataset.theme = theme();
}

apply();
