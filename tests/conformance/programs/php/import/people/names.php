<?php
const FIRST = "Ada";
