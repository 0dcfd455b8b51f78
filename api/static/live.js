// Live status of a contract: when something happens, the parts marked data-live are fetched anew.
// Without this script the page says as of when it is, and offers to look again.
(() => {
  "use strict";
  const place = document.querySelector("[data-stream]");
  if (!place || !window.EventSource) return;

  const actions = [
    "handed_in", "replaced", "asked", "approved", "rejected", "sent_back", "certified", "signed", "declined", "sealed",
    "in_force", "warned", "expired", "withdrawn", "nobody_to_ask", "link_sent_again", "code_sent", "link_locked",
    "mail_failed", "commented", "attached", "comment_withdrawn", "invited", "stamped_again", "stamping_failed", "moved",
    "substituted", "delegated", "taken_back", "handed_back", "reassigned", "review_asked", "review_ended",
    "opinion_given", "put_off", "recalled", "mail_sent_again", "address_corrected", "woken", "kept",
    "counted", "described", "data_corrected", "held_against_orders", "match_made", "match_undone", "released", "paid",
    "paid_in_part", "settled_by_payment", "payment_reversed",
    "posted_for_payment", "in_payment_file", "taken_from_mail",
    "disputed", "settled",
    "reminded", "escalated", "nobody_to_escalate_to", "ran_out", "rejected_by_time", "left_to", "left_alone",
  ];
  let seen = Number(place.dataset.position);
  let source = null;
  let looking = null;

  function heard(event) {
    const position = Number(event.lastEventId);
    if (position <= seen) return;
    seen = position;
    lookSoon();
  }

  function lookSoon() {
    clearTimeout(looking);
    looking = setTimeout(look, 150); // several events of one moment are one look
  }

  async function look() {
    let fresh;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return; // the stream connects again, and what it then tells leads here once more
    }
    for (const old of document.querySelectorAll("[data-live]")) {
      const now = fresh.querySelector(`[data-live="${old.dataset.live}"]`);
      if (!now || old.innerHTML === now.innerHTML) continue;
      // never under somebody's hands: what was typed stays, and the form's own version refuses what is out of date
      if (old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) continue;
      if ([...old.querySelectorAll("textarea")].some((each) => each.value !== each.defaultValue)) continue;
      old.replaceChildren(...document.adoptNode(now).childNodes);
    }
  }

  function open() {
    if (source || document.hidden) return;
    source = new EventSource(place.dataset.stream);
    for (const action of actions) source.addEventListener(action, heard);
    source.addEventListener("message", heard);
    source.addEventListener("inside", lookSoon); // counted apart; told again after each break, which does no harm
  }

  function close() {
    if (source) source.close();
    source = null;
  }

  // a browser opens few connections to one host: pages in the background give theirs back
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", open);
  open();
})();
