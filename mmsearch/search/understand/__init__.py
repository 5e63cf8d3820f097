"""What a query names: brands, kinds, colours, prices and the like, as soft filters that the catalogue can answer; synonyms of its words."""
