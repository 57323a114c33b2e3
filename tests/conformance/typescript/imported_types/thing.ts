export interface Thing { a: number }
