import { t } from "./texts/index";

/** The class of the model in the language in use: mpox has a translation, other classes have their own name. */
export function translatedClass(name: string): string {
  return name === "mpox" ? t().mpox : name;
}
