hoard = []
loop { hoard << "x" * 100_000 }
