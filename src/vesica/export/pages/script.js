"use strict";
{
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const remember = (name, value) => { try { localStorage.setItem(name, value); } catch { /* a browser may refuse; nothing depends on it */ } };
  const remembered = (name) => { try { return localStorage.getItem(name); } catch { return null; } };

  const isDark = () => (root.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
  const tell = () => { document.querySelector("[data-theme-name]").textContent = isDark() ? "Light" : "Dark"; };
  const turn = () => { root.dataset.theme = isDark() ? "light" : "dark"; remember("theme", root.dataset.theme); tell(); };
  if (["light", "dark"].includes(remembered("theme"))) root.dataset.theme = remembered("theme");
  tell();
  dark.addEventListener("change", tell);
  document.querySelector("[data-theme-button]").addEventListener("click", turn);

  const pieces = [...document.querySelectorAll(".piece")];
  const button = document.querySelector("[data-projector]");
  const current = () => {
    const middle = innerHeight / 2;
    const found = pieces.findIndex((piece) => piece.getBoundingClientRect().bottom > middle);
    return found < 0 ? pieces.length - 1 : found;
  };
  const go = (step) => pieces[Math.min(pieces.length - 1, Math.max(0, current() + step))].scrollIntoView();
  const project = (on) => {
    const here = pieces[current()];
    document.body.classList.toggle("projector", on);
    button.setAttribute("aria-pressed", on);
    if (on) { root.dataset.theme = "dark"; root.requestFullscreen?.().catch(() => {}); }
    else if (document.fullscreenElement) document.exitFullscreen();
    tell();
    here.scrollIntoView();
  };
  button?.addEventListener("click", () => project(!document.body.classList.contains("projector")));
  document.addEventListener("fullscreenchange", () => {
    if (!document.fullscreenElement && document.body.classList.contains("projector")) project(false);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, audio, [contenteditable]")) return;
    const keys = { ArrowRight: () => go(1), ArrowLeft: () => go(-1), PageDown: () => go(1), PageUp: () => go(-1), d: turn };
    if (button) {
      keys.p = () => project(!document.body.classList.contains("projector"));
      keys.Escape = () => { if (document.body.classList.contains("projector")) project(false); };
    } else { for (const key of ["ArrowRight", "ArrowLeft", "PageDown", "PageUp"]) delete keys[key]; }
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (act) { if (event.key !== "Escape") event.preventDefault(); act(); }
  });

  for (const slider of document.querySelectorAll(".compare input")) {
    slider.addEventListener("input", () => slider.closest(".compare").style.setProperty("--cut", `${slider.value}%`));
  }

  for (const piece of document.querySelectorAll(".piece.music")) {
    const audio = piece.querySelector("audio");
    const times = JSON.parse(piece.querySelector(".times").textContent);
    const heads = new Map();
    for (const head of piece.querySelectorAll("[data-note]")) {
      if (!heads.has(head.dataset.note)) heads.set(head.dataset.note, []);
      heads.get(head.dataset.note).push(head);
      head.addEventListener("click", () => { audio.currentTime = times[head.dataset.note]?.[0] ?? 0; audio.play(); });
    }
    const notes = Object.entries(times);
    const show = () => {
      const now = audio.currentTime;
      for (const [name, [from, to]] of notes) {
        const on = from <= now && now < to && !(audio.paused && now === 0);
        for (const head of heads.get(name) ?? []) head.classList.toggle("sounding", on);
      }
      if (!audio.paused) requestAnimationFrame(show);
    };
    for (const what of ["play", "pause", "seeked", "ended"]) audio.addEventListener(what, show);
  }
}
