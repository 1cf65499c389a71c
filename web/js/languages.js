/**
 * The choice of the language, on every page.
 */
import * as address from "./address.js";
import { LANGUAGES, remember } from "./texts.js";

/** Fill a choice with the languages; the one that is chosen is kept and the page loaded anew. */
export function offer(select, code) {
  for (const [key, texts] of Object.entries(LANGUAGES)) {
    const option = new Option(texts.name, key, false, key === code);
    option.lang = key;
    select.append(option);
  }
  select.addEventListener("change", () => {
    remember(select.value);
    address.put({ lang: select.value });
    location.reload();
  });
}
