// A secret of a link stands behind its #, which browsers send to no server. It goes into the form, and out of the address.
(() => {
  const code = document.querySelector("input[name=code]");
  const secret = decodeURIComponent(location.hash.slice(1));
  if (!code || !secret) return;
  code.value = secret;
  history.replaceState(null, "", location.pathname);
  const next = document.querySelector("input[name=name], input[name=password]");
  if (next) next.focus();
})();
