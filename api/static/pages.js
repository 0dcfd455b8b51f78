// Small helps that pages do without: printing from a button, ticking all, and a text that is as high as its lines.
(() => {
  "use strict";
  for (const each of document.querySelectorAll("[data-print]")) {
    each.hidden = false;
    each.addEventListener("click", () => window.print());
  }
  for (const text of document.querySelectorAll("textarea.yaml")) {
    const fit = () => (text.rows = Math.max(20, text.value.split("\n").length + 2));
    text.addEventListener("input", fit);
    text.addEventListener("fit", fit); // another script has written into it
    fit();
  }
  for (const each of document.querySelectorAll("[data-choose]")) {
    each.hidden = false;
    each.addEventListener("click", () => {
      for (const box of document.getElementsByName(each.dataset.choose)) box.checked = true;
    });
  }
  for (const file of document.querySelectorAll("input[type=file][data-most]")) {
    file.addEventListener("change", () => {
      const large = file.files.length && file.files[0].size > Number(file.dataset.most);
      file.setCustomValidity(large ? file.dataset.tooLarge : "");
      if (large) file.reportValidity();
    });
  }
})();
