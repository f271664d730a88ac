// The editor.
export const version = 1;
