first=Ada
