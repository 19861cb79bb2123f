# Every column of the table nycflights13.airlines.
view: airlines {
  dimension: carrier {
    primary_key: yes
    description: "Two-letter code of the airline"
  }

  dimension: name {
    description: "Full name of the airline"
  }

  measure: count {
    type: count
    drill_fields: [carrier, name]
  }
}
