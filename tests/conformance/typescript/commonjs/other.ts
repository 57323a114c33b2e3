function other(): number { return 2; }
export = other;
