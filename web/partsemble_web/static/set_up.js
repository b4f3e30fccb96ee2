// Most people found a company where they are: the browser knows that time zone.
"use strict";
(() => {
  const zones = document.querySelector("select[name=timezone]");
  if (zones && !zones.value) zones.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zones && zones.selectedIndex < 0) zones.value = "";
})();
