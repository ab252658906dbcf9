# read.rb DIRECTORY prints what ruby's dotenv makes of DIRECTORY/.env, as JSON.
require "dotenv"
require "json"
print JSON.generate(Dotenv::Parser.call(File.read(ARGV[0] + "/.env", encoding: "utf-8")))
