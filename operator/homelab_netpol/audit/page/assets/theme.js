// The reader's colours: the system's, until a choice is made. A browser may refuse to remember it.
const root = document.documentElement;
root.dataset.script = "";

function remembered() {
  try {
    return localStorage.getItem("homelab-netpol-theme");
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem("homelab-netpol-theme", theme);
  } catch {
    // Then it holds for this visit.
  }
}

function isDark() {
  return root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
}

const chosenBefore = remembered();
if (chosenBefore === "dark" || chosenBefore === "light") root.dataset.theme = chosenBefore;

document.addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("theme");
  const name = () => {
    button.textContent = isDark() ? "Light colours" : "Dark colours";
  };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    name();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", name);
  name();
});
