<?php
function fail(): void
{
    throw new RuntimeException("the flux is low");
}

fail();
