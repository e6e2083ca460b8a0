/** The version of the app, of `package.json`. */
declare const __VERSION__: string;
