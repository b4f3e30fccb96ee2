// A secret of a link stands behind its #, which browsers send to no server. It goes into the form, and out of the address.
(() => {
  const code = document.querySelector("input[name=code]");
  const secret = decodeURIComponent(location.hash.slice(1));
  // A link that is pasted into an open page changes the # alone.
  addEventListener("hashchange", () => location.reload());
  if (!code || !secret) return;
  code.value = secret;
  history.replaceState(null, "", location.pathname);
  const next = document.querySelector("input[name=name], input[name=password]");
  if (next) next.focus();
  // An invitation that is over says so before anybody has typed a password.
  const form = code.form;
  if (!form.dataset.check) return;
  const asked = new URLSearchParams({ csrf_token: form.elements.csrf_token.value, code: secret });
  fetch(form.dataset.check, { method: "POST", body: asked }).then(async (answer) => {
    if (answer.status !== 409) return;
    const notice = document.createElement("div");
    notice.className = "notice notice-red";
    notice.setAttribute("role", "alert");
    const text = document.createElement("p");
    text.className = "notice-text";
    text.textContent = await answer.text();
    notice.append(text);
    form.replaceWith(notice);
  });
})();
