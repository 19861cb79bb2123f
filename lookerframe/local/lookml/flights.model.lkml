connection: "flights"
label: "Flights"

include: "flights.view.lkml"
include: "airlines.view.lkml"
include: "airports.view.lkml"
include: "planes.view.lkml"
include: "weather.view.lkml"

explore: flights {
  label: "Flights"
  description: "All flights that departed New York City in 2013."

  join: airlines {
    relationship: many_to_one
    sql_on: ${flights.carrier} = ${airlines.carrier} ;;
  }

  join: planes {
    relationship: many_to_one
    sql_on: ${flights.tailnum} = ${planes.tailnum} ;;
  }

  join: origin_airports {
    from: airports
    view_label: "Origin"
    relationship: many_to_one
    sql_on: ${flights.origin} = ${origin_airports.faa} ;;
  }

  join: dest_airports {
    from: airports
    view_label: "Destination"
    relationship: many_to_one
    sql_on: ${flights.dest} = ${dest_airports.faa} ;;
  }

  join: weather {
    relationship: many_to_one
    sql_on: ${flights.origin} = ${weather.origin} AND ${flights.time_raw} = ${weather.time_raw} ;;
  }
}

explore: planes {
  label: "Planes"
  description: "Planes, each with all its flights from New York City in 2013."

  join: flights {
    relationship: one_to_many
    sql_on: ${planes.tailnum} = ${flights.tailnum} ;;
    fields: [flights.carrier, flights.origin, flights.dest, flights.time_month, flights.count, flights.total_distance]
  }

  join: airlines {
    relationship: many_to_one
    sql_on: ${flights.carrier} = ${airlines.carrier} ;;
  }
}

explore: weather {
  label: "Weather"
  description: "Hourly weather at the three airports of New York City in 2013."

  join: airports {
    relationship: many_to_one
    foreign_key: origin
  }
}
