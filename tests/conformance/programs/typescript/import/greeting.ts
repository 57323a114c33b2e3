import type { Name } from "./people/names";

export function greet(name: Name): string {
  return `Hello, ${name}!`;
}
