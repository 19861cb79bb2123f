# Every column of the table nycflights13.airports.
view: airports {
  dimension: faa {
    primary_key: yes
    label: "FAA"
    description: "Three-letter code of the airport"
  }

  dimension: name {
    description: "Name of the airport"
  }

  dimension: location {
    type: location
    sql_latitude: ${TABLE}.lat ;;
    sql_longitude: ${TABLE}.lon ;;
  }

  dimension: lat {
    label: "Latitude"
    type: number
  }

  dimension: lon {
    label: "Longitude"
    type: number
  }

  dimension: alt {
    label: "Altitude"
    description: "Feet above the sea"
    type: number
  }

  dimension: altitude_tier {
    type: tier
    tiers: [0, 100, 1000, 5000]
    style: integer
    sql: ${alt} ;;
  }

  dimension: tz {
    label: "Offset"
    description: "Hours from UTC, in winter"
    type: number
  }

  dimension: dst {
    label: "Daylight Saving Time"
    case: {
      when: { sql: ${TABLE}.dst = 'A' ;; label: "United States" }
      when: { sql: ${TABLE}.dst = 'N' ;; label: "None" }
      else: "Unknown"
    }
  }

  dimension: tzone {
    label: "Time Zone"
  }

  measure: count {
    type: count
    drill_fields: [faa, name]
  }

  measure: average_altitude {
    type: average
    sql: ${alt} ;;
    value_format_name: decimal_1
  }
}
