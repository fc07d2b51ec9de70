"""The course as a site that needs no installation: `make site` builds it into dist/site."""
