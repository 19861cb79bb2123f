connection: "flights"
label: "Flights"

include: "flights.view.lkml"

explore: flights {
  label: "Flights"
  description: "All flights that departed New York City in 2013."
}
