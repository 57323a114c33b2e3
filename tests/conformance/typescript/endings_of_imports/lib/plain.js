export default function plain(x) { return x + 1; }
export const named = 3;
