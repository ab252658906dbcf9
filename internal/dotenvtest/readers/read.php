<?php
// read.php DIRECTORY prints what phpdotenv makes of DIRECTORY/.env, as JSON.
require getenv('AGEENV_AUTOLOAD') ?: '/usr/share/php/Dotenv/autoload.php';
echo json_encode((object) Dotenv\Dotenv::parse(file_get_contents($argv[1] . '/.env')), JSON_THROW_ON_ERROR);
