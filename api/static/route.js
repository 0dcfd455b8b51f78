// The designer of routes: what is typed is checked a moment later, and text and stages are kept in step.
// Without this script every button does the same by loading the page anew.
(() => {
  "use strict";
  const form = document.getElementById("designer");
  const text = document.getElementById("source");
  if (!form || !text) return;

  const findings = document.getElementById("findings");
  const stages = document.getElementById("stage-list");
  const numbers = form.querySelector(".numbered > pre");
  let waiting = null;
  let asked = 0;

  function soon() {
    clearTimeout(waiting);
    waiting = setTimeout(check, 400);
  }

  async function check() {
    clearTimeout(waiting);
    const mine = ++asked;
    const sent = new FormData(form);
    let told;
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body: sent, headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      told = await answer.json();
    } catch {
      return; // the buttons still check
    }
    // an answer that is out of date would take back what was typed since
    if (mine !== asked || text.value.replaceAll("\r\n", "\n") !== sent.get("source").replaceAll("\r\n", "\n")) return;
    if (findings.dataset.told !== told.findings) {
      findings.dataset.told = told.findings;
      findings.innerHTML = told.findings;
    }
    text.toggleAttribute("aria-invalid", told.lines.length > 0);
    mark(new Set(told.lines));
    if (told.source !== text.value) {
      text.value = told.source;
      text.dispatchEvent(new Event("fit"));
    }
    // never under somebody's hands: a form in which somebody types is drawn anew when they have left it
    if (!stages.contains(document.activeElement)) stages.innerHTML = told.stages;
    else retell(told.stages);
  }

  // The open form stays as it is, and is from now on compared with what the text says.
  function retell(drawn) {
    const fresh = document.createElement("template");
    fresh.innerHTML = drawn;
    const now = fresh.content.querySelector("[name=drawn]");
    const old = stages.querySelector("[name=drawn]");
    if (now && old) old.value = now.value;
  }

  function mark(lines) {
    const parts = [];
    const count = text.value.split("\n").length + 400;
    for (let n = 1; n < count; n++) {
      if (lines.has(n)) {
        const found = document.createElement("b");
        found.className = "found";
        found.textContent = n;
        parts.push(found, "\n");
      } else parts.push(`${n}\n`);
    }
    numbers.replaceChildren(...parts);
  }

  text.addEventListener("input", soon);
  stages.addEventListener("change", (event) => {
    if (event.target.name && event.target.name.startsWith("f.")) check();
  });
  findings.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    const before = text.value.split("\n").slice(0, Number(link.dataset.line) - 1).join("\n").length;
    const start = before ? before + 1 : 0;
    text.focus();
    text.setSelectionRange(start, start);
    const height = parseFloat(getComputedStyle(text).lineHeight) * (Number(link.dataset.line) - 4);
    const box = numbers.parentElement; // it scrolls by itself at a desk, with the page on a phone
    box.scrollTop = height;
    box.scrollIntoView({ block: "nearest" });
    if (box.scrollHeight <= box.clientHeight + 1) window.scrollTo({ top: text.getBoundingClientRect().top + scrollY + height });
  });
})();
