export type Name = string;

export const first: Name = "Ada";
