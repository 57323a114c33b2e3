SELECT 'before' AS step;
.exit 3
